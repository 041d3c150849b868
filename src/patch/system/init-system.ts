import type { Workspace } from '../../model/workspace.js';

/** Whether the image has systemd. */
export async function hasSystemd(workspace: Workspace): Promise<boolean> {
  return isAnyFile(workspace, ['usr/lib/systemd/systemd', 'lib/systemd/systemd']);
}

/** Whether the image has OpenRC. */
export async function hasOpenrc(workspace: Workspace): Promise<boolean> {
  return isAnyFile(workspace, ['sbin/openrc', 'usr/sbin/openrc', 'sbin/rc']);
}

export async function isAnyFile(workspace: Workspace, paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if ((await workspace.follow(path))?.type === 'file') return true;
  return false;
}

const sysvRunlevels = ['rcS.d', 'rc1.d', 'rc2.d', 'rc3.d', 'rc4.d', 'rc5.d'];

/**
 * Whether the boot starts a service of one of these names: a link in a runlevel of OpenRC, an `S` link of sysvinit, a link
 * in a `.wants` folder of systemd.
 */
export async function isStarted(workspace: Workspace, names: readonly string[]): Promise<boolean> {
  const links: string[] = [];
  for (const level of await workspace.list('etc/runlevels'))
    links.push(...(await workspace.list(`etc/runlevels/${level}`)));
  for (const level of sysvRunlevels) {
    const started = (await workspace.list(`etc/${level}`)).filter((link) => /^S\d\d/.test(link));
    links.push(...started.map((link) => link.slice(3)));
  }
  for (const root of ['etc/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system']) {
    const folders = (await workspace.list(root)).filter((name) => name.endsWith('.wants'));
    for (const folder of folders)
      links.push(
        ...(await workspace.list(`${root}/${folder}`)).map((link) => link.replace(/\.service$/, '')),
      );
  }
  return names.some((name) => links.includes(name));
}
