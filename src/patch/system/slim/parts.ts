/** What belongs to no running system, and can be taken out of an image by its name. */
export interface SlimPart {
  readonly meaning: string;
  /** Where it is. One that is a symlink is left alone: what it leads to has its own name here. */
  readonly folders: readonly string[];
  /** Whether a file or a symlink below them belongs to it. */
  readonly takes: RegExp;
  /** What stays although `takes` names it. */
  readonly spares?: RegExp;
  /** Whether folders that become empty stay: installations of packages write into them, or their owner matters. */
  readonly keepsFolders?: boolean;
  /** Whether what the locale of the image reads stays. */
  readonly isByLanguage?: boolean;
  /** Whether a compiler of the image needs it. */
  readonly isForCompilers?: boolean;
  /** Files of which one must be there, too: the path of a file -> them. */
  readonly wants?: (path: string) => string;
}

/** Licences and notices, which must go with the programs. A symlink in the place of a package's folder leads to its notice. */
const notices =
  /\/(?:copyright|licen[cs]es?|copying|notices?|unlicense|patents)[^/]*$|^usr\/share\/licenses\//i;
const linkedPackage = /^usr\/share\/doc\/[^/]+$/;

const libraries = ['lib', 'lib64', 'usr/lib', 'usr/lib64', 'usr/local/lib'];

const accounts = 'passwd|shadow|group|gshadow|subuid|subgid';

export const slimParts = {
  docs: {
    meaning: 'Documentation, without licences and copyright notices.',
    folders: [
      'usr/share/doc',
      'usr/share/doc-base',
      'usr/share/gtk-doc',
      'usr/share/help',
      'usr/share/lintian',
      'usr/local/share/doc',
    ],
    takes: /./,
    spares: new RegExp(`${notices.source}|${linkedPackage.source}`, 'i'),
  },
  man: {
    meaning: 'Manual pages, in all languages. Their folders stay: installations write into them.',
    folders: ['usr/share/man', 'usr/local/share/man', 'usr/man', 'var/cache/man'],
    takes: /./,
    keepsFolders: true,
  },
  info: {
    meaning: 'Pages of GNU info.',
    folders: ['usr/share/info', 'usr/local/share/info'],
    takes: /./,
    keepsFolders: true,
  },
  locales: {
    meaning:
      'Translations of messages, without those of the language that etc/default/locale or etc/locale.conf sets.',
    folders: ['usr/share/locale', 'usr/share/locale-langpack', 'usr/local/share/locale'],
    takes: /\/LC_[A-Z]+\/[^/]+\.mo$/,
    isByLanguage: true,
  },
  completions: {
    meaning: 'What completes commands in bash, zsh and fish.',
    folders: ['usr/share/bash-completion/completions', 'usr/share/zsh', 'usr/share/fish'],
    takes:
      /^usr\/share\/bash-completion\/|\/(?:vendor-completions|site-functions)\/_[^/]*$|\/(?:vendor_)?completions(?:\.d)?\/[^/]+\.fish$/,
    keepsFolders: true,
  },
  'package-cache': {
    meaning:
      'Downloads, lists and indexes of apk, apt, dnf, zypper and pacman, and of pip: each is downloaded again when it is needed.',
    folders: [
      'var/cache/apk',
      'var/cache/apt',
      'var/lib/apt/lists',
      'var/cache/dnf',
      'var/cache/libdnf5',
      'var/cache/tdnf',
      'var/cache/yum',
      'var/cache/zypp',
      'var/cache/pacman/pkg',
      'var/lib/pacman/sync',
      'root/.cache/pip',
    ],
    takes: /./,
    spares: /\/lock$|^var\/cache\/apk\/installed$/,
    keepsFolders: true,
  },
  'python-cache': {
    meaning: 'Compiled Python, where its source is beside it: Python compiles it again.',
    folders: ['usr/lib', 'usr/lib64', 'usr/share', 'usr/local/lib', 'opt'],
    takes: /\.py[co]$/,
    wants: (path) => path.replace(/(?:\/__pycache__)?\/([^/.]+)(?:\.[^/]*)?\.py[co]$/, '/$1.py'),
  },
  'static-libraries': {
    meaning: 'Libraries for linking (.a, .la), where the image has no compiler.',
    folders: libraries,
    takes: /\.l?a$/,
    isForCompilers: true,
  },
  headers: {
    meaning: 'Headers of C, and what pkg-config, CMake and aclocal read, where the image has no compiler.',
    folders: ['usr/include', 'usr/local/include', 'usr/share/pkgconfig', 'usr/share/aclocal', ...libraries],
    takes: /^usr\/(?:local\/)?include\/|\/pkgconfig\/[^/]+\.pc$|\/aclocal\/[^/]+\.m4$|\/cmake\/.*\.cmake$/,
    isForCompilers: true,
  },
  'debug-symbols': {
    meaning: 'Symbols for debuggers, apart from their programs.',
    folders: ['usr/lib/debug'],
    takes: /./,
  },
  logs: {
    meaning: 'Logs of the installation, and logs that were rotated.',
    folders: ['var/log'],
    takes: new RegExp(
      [
        '^var/log/(?:apt|zypp|installer|anaconda)/',
        String.raw`^var/log/(?:dpkg|alternatives|bootstrap|apk|dnf[^/]*|hawkey|yum|zypper|pacman)\.log`,
        String.raw`\.(?:gz|xz|bz2|zst|old|[1-9]\d?)$`,
        String.raw`-20\d{6}$`,
      ].join('|'),
    ),
    keepsFolders: true,
  },
  backups: {
    meaning: 'Earlier versions of files that package managers and tools of accounts keep.',
    folders: ['etc', 'var/backups', 'var/lib/dpkg', 'var/cache/debconf'],
    takes: new RegExp(
      [
        `^etc/(?:${accounts})-$`,
        String.raw`^etc/.*\.(?:dpkg-old|dpkg-bak|ucf-old|rpmsave|rpmorig|pacsave)$`,
        '^var/backups/',
        '^var/(?:lib/dpkg|cache/debconf)/[^/]*-old$',
      ].join('|'),
    ),
    keepsFolders: true,
  },
} as const satisfies Readonly<Record<string, SlimPart>>;

export type SlimPartName = keyof typeof slimParts;
