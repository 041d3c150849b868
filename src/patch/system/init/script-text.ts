import { fillScript, quoteWord } from '../../../io/process/script.js';
import { facilities } from './facilities.js';
import type { ServiceChoice, ServiceDefinition, ServiceOrder } from './init-system.js';

/** What a shell runs for a command as its user. */
export function createCommandLine({ command, user }: ServiceDefinition): string {
  const words = command.map(quoteWord).join(' ');
  return user === undefined ? words : `su -s /bin/sh ${quoteWord(user)} -c ${quoteWord(`exec ${words}`)}`;
}

/** A script that runs a program, for sysvinit and busybox init. */
export function createProgramScript(service: ServiceDefinition): string {
  const { name, type, folder, restart, environment } = service;
  const line = createCommandLine(service);
  const isLoop = restart && type === 'daemon';
  const lines = [
    ...Object.entries(environment).map(([key, value]) => `export ${key}=${quoteWord(value)}`),
    ...(folder === undefined ? ['cd /'] : [`cd ${quoteWord(folder)} || exit 1`]),
    isLoop ? runAgain(line) : `exec ${line}`,
  ];
  const file = type === 'once' ? './once-service.sh' : './program-service.sh';
  return fillScript(new URL(file, import.meta.url), {
    header: createHeader(service, service.description),
    name,
    run: lines.map((each) => `\t${each}`).join('\n'),
  });
}

function runAgain(command: string): string {
  return fillScript(new URL('./run-again.sh', import.meta.url), { command });
}

/** The comment of LSB 5 by which insserv and update-rc.d order scripts. */
export function createHeader(service: ServiceChoice & ServiceOrder, description: string): string {
  const { name, needs, after, before } = service;
  const isEarly = isBootLevel(service.runlevel);
  const own = needs.filter((each) => !facilities.has(each));
  const soft = [...needs.filter((each) => facilities.has(each)), ...after];
  const words = (names: readonly string[]) => names.map(nameLsb).join(' ');
  const fields = [
    ['Provides', name],
    ['Required-Start', words(own)],
    ['Required-Stop', words(own)],
    ['Should-Start', [...new Set(['$local_fs', ...soft.map(nameLsb)])].join(' ')],
    ['Should-Stop', words(soft)],
    ...(before.length > 0 ? [['X-Start-Before', words(before)]] : []),
    ['Default-Start', isEarly ? 'S' : '2 3 4 5'],
    ['Default-Stop', isEarly ? '' : '0 1 6'],
    ['Short-Description', description],
  ];
  const lines = fields.map(([key = '', value = '']) => `# ${`${key}:`.padEnd(19)}${value}`.trimEnd());
  return ['### BEGIN INIT INFO', ...lines, '### END INIT INFO'].join('\n');
}

function nameLsb(name: string): string {
  return facilities.get(name)?.lsb ?? name;
}

/** Whether a runlevel is one before the usual one. */
export function isBootLevel(runlevel: string): boolean {
  return runlevel === 'boot' || runlevel === 'sysinit';
}
