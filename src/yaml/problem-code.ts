interface CodeInfo {
  /** What the code stands for, in one line. */
  readonly title: string;
  /** What to do about it; a problem may say it more exactly. */
  readonly hint: string;
}

/** Every kind of problem in a patch, an image definition or the configuration. The names are stable. */
export const problemCodes = {
  'file-unreadable': {
    title: 'the file cannot be read as a text',
    hint: 'ls -l of the file; it is a regular file of UTF-8 text, of at most 1 MiB',
  },
  'yaml-syntax': {
    title: 'the text is not valid YAML',
    hint: 'look at the indentation, the quotes and the brackets at this place and in the line before',
  },
  'yaml-trap': {
    title: 'YAML reads this as something other than its author means',
    hint: 'write the value as the message says; quotes make a text of a number',
  },
  'key-repeated': { title: 'a key comes twice in one map', hint: 'remove one of the two' },
  'key-unknown': {
    title: 'no such key belongs here',
    hint: 'use one of the keys that the message lists',
  },
  'key-missing': {
    title: 'a value that is needed is not there',
    hint: 'add the key; docs/steps.md says what it means',
  },
  'type-wrong': {
    title: 'the value is of another type',
    hint: 'a list has "- " before each entry, or [ ] around them; a map has NAME: VALUE lines, or { } around them',
  },
  'value-wrong': {
    title: 'the value is not one of those that are possible',
    hint: 'write a value that the message allows',
  },
  'step-shape': {
    title: 'a step is not one kind with its value',
    hint: 'write each step as "- KIND: VALUE", with all that belongs to it below KIND',
  },
  'step-unknown': { title: 'there is no such kind of step', hint: 'docs/steps.md has all kinds' },
  'placeholder-wrong': {
    title: 'a placeholder names no parameter, or stands where none is filled in',
    hint: 'write what the message wants; docs/parameters.md says where a placeholder is filled in',
  },
  'secret-place': {
    title: 'a secret is used where others would see it',
    hint: 'docs/parameters.md says which steps take secrets',
  },
  'parameter-name': {
    title: 'the name of a parameter cannot be used in scripts',
    hint: 'give the parameter another name',
  },
  'parameter-value': {
    title: 'the value of a parameter is not one that it takes',
    hint: 'give another value: -s NAME=VALUE, or settings: in moby-patch.yaml',
  },
  'parameter-missing': {
    title: 'a parameter without a default got no value',
    hint: 'give it a value: -s NAME=VALUE, or settings: in moby-patch.yaml',
  },
  'payload-wrong': {
    title: 'a file of the patch folder is not there, or cannot be used',
    hint: 'put the file into the folder of the patch, or correct its name',
  },
  'private-key': {
    title: 'a private key stands where a public one belongs',
    hint: 'name the public file (id_ed25519.pub, a certificate), and take the private one out of the patch folder',
  },
  'uses-wrong': {
    title: 'a patch uses one that is not there, or itself',
    hint: 'moby-patch check names the patches that there are',
  },
  'patches-conflict': {
    title: 'two patches are in one plan that cannot be in one image',
    hint: 'leave one of the two out',
  },
  'write-conflict': {
    title: 'two steps write different contents to one path',
    hint: 'remove one of the two steps, or have one of them change the file (line, append, replace)',
  },
  'step-impossible': {
    title: 'the image is such that the step will fail',
    hint: 'moby-patch ls IMAGE and moby-patch cat IMAGE PATH show what the image has',
  },
  'pin-broken': {
    title: 'the image has another file than the patch was written for',
    hint: 'compare both files, correct the patch, and pin the new one; --accept PATH goes on with the patch as it is',
  },
  'nfs-udp': {
    title: 'NFS over UDP: the mount succeeds and then freezes',
    hint: 'write proto=tcp in the options',
  },
  'nfs-locks': {
    title: 'NFS without nolock: the mount waits for lock services that a VM seldom has',
    hint: 'add nolock to the options',
  },
  'path-hidden': {
    title: 'the running system mounts something over the path',
    hint: 'put the file elsewhere, or have a service write it after the mount',
  },
  'parameter-unused': { title: 'no step uses the parameter', hint: 'use it or remove it' },
  'payload-unused': { title: 'no step uses the file of the patch folder', hint: 'use it or remove it' },
  'fstab-skipped': {
    title: 'the boot skips the line of etc/fstab',
    hint: 'use a "mount" step, which brings the service that mounts it',
  },
  'setting-unknown': {
    title: 'no patch has a parameter of this name',
    hint: 'correct the name, or remove the setting',
  },
} as const satisfies Readonly<Record<string, CodeInfo>>;

export type ProblemCode = keyof typeof problemCodes;

const mild: readonly ProblemCode[] = [
  'nfs-udp',
  'nfs-locks',
  'path-hidden',
  'parameter-unused',
  'payload-unused',
  'fstab-skipped',
];

export type Severity = 'error' | 'warning';

/** A warning is about what is allowed, and seldom meant. */
export function severityOf(code: ProblemCode): Severity {
  return mild.includes(code) ? 'warning' : 'error';
}
