import { Duplex } from 'node:stream';
import test from 'ava';
import { openMonitor } from '#src/verify/boot/machine/monitor.js';

function connect() {
  const sent: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      sent.push(String(chunk));
      done();
    },
  });
  const monitor = openMonitor(socket);
  const tell = (event: string, reason?: string) =>
    socket.emit('data', Buffer.from(`${JSON.stringify({ event, data: { reason } })}\n`));
  const fail = (data: object) =>
    socket.emit('data', Buffer.from(`${JSON.stringify({ event: 'BLOCK_IO_ERROR', data })}\n`));
  return { monitor, sent, tell, fail };
}

test('a disk whose file fails stops the guest, and the first fault is kept', (t) => {
  const { monitor, fail } = connect();
  fail({ action: 'report', operation: 'read', reason: 'passed on to the guest' });
  t.is(monitor.diskFault(), undefined);
  fail({ action: 'stop', operation: 'write', nospace: true, reason: 'No space left on device' });
  fail({ action: 'stop', operation: 'read', reason: 'Input/output error' });
  t.deepEqual(monitor.diskFault(), { operation: 'write', isFull: true, reason: 'No space left on device' });
});

test('a guest ends by itself, or this machine ends it', (t) => {
  const causeOf = (reason: string) => {
    const { monitor, tell } = connect();
    tell('SHUTDOWN', reason);
    return monitor.cause();
  };
  t.is(causeOf('guest-shutdown'), 'guest-shutdown');
  t.is(causeOf('guest-reset'), 'guest-reset');
  for (const reason of ['host-signal', 'host-qmp-quit', 'host-error', 'host-ui'])
    t.is(causeOf(reason), 'host');
  t.is(causeOf('guest-panic'), undefined);
});

test('a guest that QEMU has stopped does not wait for ever', (t) => {
  const { sent, tell } = connect();
  tell('RESUME');
  t.deepEqual(sent, []);
  tell('STOP');
  t.deepEqual(sent, ['{"execute":"quit"}\n']);
});
