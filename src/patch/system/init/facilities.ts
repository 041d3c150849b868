/** What a name of this table is called where it is not a service of its own. */
interface Facility {
  readonly openrc: string;
  readonly systemd: string;
  /** LSB 5, "Facility Names". */
  readonly lsb: string;
  /** Starts of names of scripts that bring it, for init systems that know an order of numbers alone. */
  readonly scripts: readonly string[];
}

/** Names for `needs`, `after` and `before` that mean the same with every init system. */
export const facilities: ReadonlyMap<string, Facility> = new Map([
  [
    'network',
    {
      openrc: 'net',
      systemd: 'network-online.target',
      lsb: '$network',
      scripts: ['network', 'dhcp', 'ifup'],
    },
  ],
  [
    'filesystems',
    {
      openrc: 'localmount',
      systemd: 'local-fs.target',
      lsb: '$local_fs',
      scripts: ['mountall', 'mountfs', 'localmount', 'fstab'],
    },
  ],
  [
    'network-filesystems',
    { openrc: 'netmount', systemd: 'remote-fs.target', lsb: '$remote_fs', scripts: ['nfs', 'netmount'] },
  ],
  ['log', { openrc: 'logger', systemd: 'syslog.socket', lsb: '$syslog', scripts: ['syslog', 'logging'] }],
  ['names', { openrc: 'dns', systemd: 'nss-lookup.target', lsb: '$named', scripts: ['named', 'dnsmasq'] }],
  ['time', { openrc: 'ntp-client', systemd: 'time-sync.target', lsb: '$time', scripts: ['ntp', 'chron'] }],
]);
