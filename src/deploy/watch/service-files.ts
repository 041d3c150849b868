/** What runs a command when an image is replaced. */
export interface Service {
  /** A word that is safe in names of files and units. */
  readonly name: string;
  /** The command with all its arguments; the first word is an absolute path. */
  readonly argv: readonly string[];
  /** Absolute. */
  readonly image: string;
  /** The folder of the image, where the next version's image has another name. */
  readonly also?: string | undefined;
  /** The working folder of the command. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Gets standard output and error under launchd. */
  readonly log: string;
}

export interface ServiceFile {
  readonly name: string;
  readonly text: string;
}

/** launchd.plist(5). An updater may replace the whole folder, so the folder of the image is watched too. */
export function createLaunchAgent(service: Service): ServiceFile {
  const label = `org.moby-patch.${service.name}`;
  const { image, argv, folder, environment, log } = service;
  const keys = [
    ['Label', `<string>${escapeXml(label)}</string>`],
    ['ProgramArguments', createArray(argv)],
    ['WatchPaths', createArray([image, image.slice(0, image.lastIndexOf('/')) || '/'])],
    ['WorkingDirectory', `<string>${escapeXml(folder)}</string>`],
    ['EnvironmentVariables', createDictionary(environment)],
    ['RunAtLoad', '<true/>'],
    // Seconds between two starts: an update touches the paths many times.
    ['ThrottleInterval', '<integer>30</integer>'],
    ['StandardOutPath', `<string>${escapeXml(log)}</string>`],
    ['StandardErrorPath', `<string>${escapeXml(log)}</string>`],
  ];
  const text = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    ...keys.map(([key, value]) => `  <key>${key}</key>\n  ${value}`),
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
  return { name: `${label}.plist`, text };
}

/**
 * systemd.path(5) and systemd.service(5). Exit 6 says that there was nothing to do. Exit 5 (no Docker yet, a full
 * disk) may pass, so the service is started again; all other failures need a person. Starts have no limit: when an
 * updater touches the image too often, a limit would make the path unit fail with the service, and nothing would
 * watch the image any more.
 */
export function createSystemdUnits(service: Service): readonly ServiceFile[] {
  const { name, argv, image, also, folder, environment } = service;
  const variables = Object.entries(environment).map(
    ([key, value]) => `Environment=${quoteUnit(`${key}=${value}`)}`,
  );
  const watch = `[Unit]
Description=Watch ${escapeUnit(image)} for moby-patch

[Path]
PathChanged=${escapeUnit(image)}
${also === undefined ? '' : `PathChanged=${escapeUnit(also)}\n`}
[Install]
WantedBy=paths.target
`;
  const run = `[Unit]
Description=Patch ${escapeUnit(image)} again after it was replaced
StartLimitIntervalSec=0

[Service]
Type=oneshot
SuccessExitStatus=6
Restart=on-failure
RestartSec=60
RestartPreventExitStatus=1 2 3 4
WorkingDirectory=${escapeUnit(folder)}
${variables.map((line) => `${line}\n`).join('')}ExecStart=${argv.map(quoteCommand).join(' ')}
`;
  return [
    { name: `moby-patch-${name}.path`, text: watch },
    { name: `moby-patch-${name}.service`, text: run },
  ];
}

function createArray(values: readonly string[]): string {
  return `<array>${values.map((value) => `<string>${escapeXml(value)}</string>`).join('')}</array>`;
}

function createDictionary(values: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(values).map(
    ([key, value]) => `<key>${escapeXml(key)}</key><string>${escapeXml(value)}</string>`,
  );
  return `<dict>${pairs.join('')}</dict>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** `%` begins a specifier everywhere in a unit. */
function escapeUnit(text: string): string {
  return text.replaceAll('%', '%%');
}

function quoteUnit(text: string): string {
  return `"${escapeUnit(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** In ExecStart, `$` begins a variable too. */
function quoteCommand(text: string): string {
  return quoteUnit(text).replaceAll('$', '$$$$');
}
