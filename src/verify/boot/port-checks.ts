import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Expectation } from '../../model/result/expectation.js';
import type { Observation } from './judge/observation.js';
import type { Guest } from './machine/guest.js';

type PortExpectation = Extract<Expectation, { readonly port: number }>;

export function listPorts(expects: readonly Expectation[]): number[] {
  return [...new Set(expects.flatMap((expectation) => ('port' in expectation ? [expectation.port] : [])))];
}

/** Seconds. */
const limits = { answer: 5, between: 1 };
const longestAnswer = 64 * 1024;

/**
 * Tries each expected port of a guest again and again until it answers or `signal` ends it: from this machine, through
 * the port that QEMU forwards.
 */
export async function checkPorts(
  guest: Guest,
  expects: readonly Expectation[],
  seen: Observation,
  options: { readonly now: () => number; readonly signal: AbortSignal; readonly onNews: () => void },
): Promise<void> {
  const { signal, now, onNews } = options;
  const wanted = expects.flatMap((expectation, index) =>
    'port' in expectation ? [{ expectation, index }] : [],
  );
  const met = new Set<number>();
  while (!signal.aborted && met.size < wanted.length) {
    for (const { expectation, index } of wanted) {
      if (met.has(index) || signal.aborted) continue;
      const isAnswer = (text: string) => seen.expectations.isAnswer(index, text);
      const found = await tryPort(guest, expectation, { isAnswer, signal });
      if (signal.aborted) return;
      seen.expectations.seePort(index, found, now());
      if (found.ok) met.add(index);
      onNews();
    }
    await setTimeout(limits.between * 1000, undefined, { signal }).catch(() => {});
  }
}

interface Attempt {
  /** Whether a text is what the expectation wants. */
  readonly isAnswer: (text: string) => boolean;
  readonly signal: AbortSignal;
}

async function tryPort(guest: Guest, expectation: PortExpectation, { isAnswer, signal }: Attempt) {
  const own = findForward(await guest.ask('info usernet'), expectation.port);
  if (own === undefined) return { ok: false, text: 'QEMU does not forward it' };
  // Half open, so that a connection that the guest takes and ends at once stays in QEMU's table.
  const socket = connect({ port: own, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  let isClosed = false;
  socket.on('error', () => {});
  for (const event of ['end', 'close'])
    socket.on(event, () => {
      isClosed = true;
    });
  socket.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(0, longestAnswer);
  });
  try {
    if (expectation.send !== undefined) socket.write(expectation.send);
    const isAny = expectation.answer === undefined;
    for (let tries = 0; tries < limits.answer * 10 && !signal.aborted; tries++) {
      await setTimeout(100, undefined, { signal }).catch(() => {});
      if (isAny ? text !== '' : isAnswer(text)) return { ok: true, text: showAnswer(text) };
      // QEMU takes a connection before the guest does: its table says whether the guest has.
      if (isAny && isTaken(await guest.ask('info usernet'), own))
        return { ok: true, text: 'it takes connections' };
      if (isClosed) break;
    }
  } finally {
    socket.destroy();
  }
  if (text !== '') return { ok: false, text: `another answer, ${showAnswer(text)}` };
  return { ok: false, text: isClosed ? 'the connection is refused' : 'no answer' };
}

function showAnswer(text: string): string {
  return text === '' ? 'an empty answer' : `it answers ${JSON.stringify(text.slice(0, 80))}`;
}

/** `TCP[HOST_FORWARD]  12  127.0.0.1 43210  10.0.2.15  80  0  0` (net/slirp.c): the port of this machine. */
function findForward(table: string, port: number): number | undefined {
  for (const line of table.split(/\r?\n/)) {
    const [, own, guest] = /TCP\[HOST_FORWARD\]\s+\S+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/.exec(line) ?? [];
    if (Number(guest) === port) return Number(own);
  }
  return undefined;
}

/** States of TCP in which the other side has answered. */
const taken = /TCP\[(ESTABLISHED|CLOSE_WAIT|FIN_WAIT_\d|LAST_ACK|CLOSING|TIME_WAIT)\]/;

function isTaken(table: string, own: number): boolean {
  return table.split(/\r?\n/).some((line) => taken.test(line) && new RegExp(`\\s${own}\\s`).test(line));
}
