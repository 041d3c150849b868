/** A step of each kind as one writes it, for messages. */
const examples: Readonly<Record<string, string>> = {
  package: '{apk: [nfs-utils], apt: [nfs-common]}',
  file: '{path: etc/motd, content: hello}',
  script: '{path: usr/local/bin/hello, from: hello.sh}',
  directory: '{path: var/lib/app}',
  symlink: '{path: etc/localtime, target: /usr/share/zoneinfo/UTC}',
  remove: 'etc/motd',
  mode: '{path: etc/shadow, mode: 0o600}',
  replace: '{path: etc/inittab, text: tty1, with: ttyS0}',
  line: '{path: etc/hosts.allow, line: "sshd: ALL"}',
  append: '{path: etc/profile, content: "umask 027\\n"}',
  copy: '{from: files, to: /}',
  archive: '{from: app.tar.gz, to: opt/app}',
  slim: '[docs, man]',
  user: '{name: ada, groups: [adm]}',
  group: '{name: builders}',
  'ssh-key': '{user: root, from: keys.pub}',
  'ssh-host-keys': 'first-boot',
  sysctl: '{vm.max_map_count: 262144}',
  module: '{name: nfs}',
  cron: '{name: cleanup, schedule: "0 3 * * *", command: /usr/bin/cleanup}',
  hosts: '{192.168.65.1: host.local}',
  hostname: 'builder',
  resolver: '{nameservers: [192.168.65.1]}',
  timezone: 'Europe/Berlin',
  locale: 'C.UTF-8',
  environment: '{HTTP_PROXY: "http://proxy:3128"}',
  certificate: '{name: company, from: company.pem}',
  fstab: '{source: tmpfs, target: /tmp, type: tmpfs}',
  service: '{name: sshd, runlevel: default}',
  mount: '{source: "192.168.65.1:/Users", target: /Users}',
  hook: '{name: hello, stage: early, run: echo hello}',
  bootconfig: '{set: {kernel.quiet: 1}}',
  run: 'ldconfig',
  noop: '',
  error: 'not for this image',
};

/** ` such as "- KIND: VALUE"`; empty for a kind without an example. */
export function showExample(kind: string): string {
  const example = Object.hasOwn(examples, kind) ? examples[kind] : undefined;
  return example ? ` such as "- ${kind}: ${example}"` : '';
}
