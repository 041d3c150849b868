import { fillScript, quoteWord } from '../../../io/process/script.js';
import { combine } from '../text-file.js';
import { isAnyFile } from '../workspace-files.js';
import type { InitSystem, ServiceDefinition } from './init-system.js';
import { createDepend, listDependencies } from './mount-script.js';
import { disableService, enableService, isInRunlevel } from './openrc-runlevels.js';
import { describeMountByScript, mountByScript, putScript } from './script-services.js';
import { createCommandLine } from './script-text.js';

export const openrc: InitSystem = {
  name: 'openrc',
  enable: ({ name, runlevel }, at) => enableService(at, name, runlevel),
  disable: ({ name, runlevel }, at) => disableService(at, name, runlevel),
  isStarted: (names, workspace) => isInRunlevel(workspace, names),
  pathOf: (name) => `etc/init.d/${name}`,
  describeStart: ({ name, runlevel }) => `etc/runlevels/${runlevel}/${name} -> /etc/init.d/${name}`,
  mount: (mount, at) => mountByScript(openrc, mount, at),
  describeMount: (mount) => describeMountByScript(openrc, mount),
  async define(service, at) {
    const hasSupervisor = await isAnyFile(at.workspace, supervisors);
    const outcome = await putScript(service.name, createScript(service, hasSupervisor), at);
    const isOnce = service.type === 'once';
    const notes = service.restart && !isOnce && !hasSupervisor ? [noSupervisor] : [];
    return combine([outcome], outcome.changed ? notes : []);
  },
};

const supervisors = ['sbin/supervise-daemon', 'usr/sbin/supervise-daemon', 'usr/bin/supervise-daemon'];
const noSupervisor = 'found no supervise-daemon in the image: a daemon that ends is not started again';

/** openrc-run evaluates the words of command_args (start-stop-daemon.sh), so that they are quoted in quotes. */
function createScript(service: ServiceDefinition, hasSupervisor: boolean): string {
  const { description, command, user, folder, environment } = service;
  const [program = '', ...args] = command;
  const variables = Object.entries(environment).map(([name, value]) => `export ${name}=${quoteWord(value)}`);
  const depend = listDependencies(service);
  const daemon = [
    `command=${quoteWord(program)}`,
    `command_args=${quoteWord(args.map(quoteWord).join(' '))}`,
    ...(user === undefined ? [] : [`command_user=${quoteWord(user)}`]),
    ...(folder === undefined ? [] : [`directory=${quoteWord(folder)}`]),
    'pidfile=/run/$RC_SVCNAME.pid',
    ...(service.restart && hasSupervisor
      ? ['supervisor=supervise-daemon', 'respawn_delay=1', 'respawn_max=0']
      : ['command_background=yes']),
  ];
  return [
    '#!/sbin/openrc-run',
    `description=${quoteWord(description)}`,
    ...(service.type === 'daemon' ? daemon : []),
    ...variables,
    ...(depend.length > 0 ? ['', createDepend(depend)] : []),
    ...(service.type === 'once' ? ['', createStart(service)] : []),
  ].join('\n');
}

/** Of a service that runs once. */
function createStart(service: ServiceDefinition): string {
  const { folder } = service;
  const lines = [
    ...(folder === undefined ? [] : [`cd ${quoteWord(folder)} || return 1`]),
    createCommandLine(service),
  ];
  const url = new URL('./openrc-once.sh', import.meta.url);
  return fillScript(url, { run: lines.map((line) => `\t${line}`).join('\n') });
}
