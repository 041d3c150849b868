/** The examples of each command's help and of the manual: what it does -> what to type. A test parses each of them. @internal */
export const examples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    'Begin a project for the image of this folder': 'moby-patch init',
    'Patch, check and boot an image': 'moby-patch build -i initrd.gz -p ./motd -o patched.gz',
  },
  build: {
    'Apply the patch in ./motd, boot the result, write it':
      'moby-patch build -i initrd.gz -p ./motd -o patched.gz',
    'With a parameter, and a kernel elsewhere':
      'moby-patch build -i initrd.gz -p nfs -s share=/srv --kernel ../vmlinuz',
    'Write only, boot nothing': 'moby-patch build -i initrd.gz -p ./motd --no-verify',
    'Leave the bytes of the input, and append': 'moby-patch build -i initrd.gz -p ./motd --mode append',
    'What moby-patch.yaml of this folder says': 'moby-patch build',
    'A small archive for each machine of a table, behind one image':
      'moby-patch build -i base.gz -p ./site --for-each hosts.csv --as overlay',
    'All targets of moby-patch.yaml, whatever becomes of one': 'moby-patch build --all --keep-going',
  },
  plan: {
    'What a build would do, and what it lacks': 'moby-patch plan -i initrd.gz -p ./motd',
    'A job of CI for each target': 'moby-patch plan --matrix',
  },
  inspect: {
    'Archives, compression, system and hazards': 'moby-patch inspect initrd.gz',
    'Several files that a loader joins': 'moby-patch inspect microcode.cpio initrd.gz',
  },
  ls: {
    'Everything, with modes and owners': 'moby-patch ls -l initrd.gz',
    'A part': "moby-patch ls initrd.gz 'etc/**'",
  },
  cat: {
    'A file of the image': 'moby-patch cat initrd.gz etc/passwd',
  },
  diff: {
    'What a build changed': 'moby-patch diff initrd.gz patched.gz',
  },
  unpack: {
    'To a folder, which repack makes an image of again': 'moby-patch unpack initrd.gz -o root',
    'To a tar': 'moby-patch unpack initrd.gz -o root.tar',
  },
  repack: {
    'A folder that unpack wrote': 'moby-patch repack root -o new.gz',
    'A tar, as gzip': 'moby-patch repack root.tar -o new.gz --compression gzip',
  },
  verify: {
    'Boot it with the kernel beside it': 'moby-patch verify initrd.gz',
    'With a kernel, and a line that must come':
      "moby-patch verify initrd.gz --kernel vmlinuz --expect 'login:'",
    'The initrd of an installed system, with a disk to find its root on':
      'moby-patch verify initrd.img --kernel vmlinuz --disk disk.qcow2 --cmdline root=/dev/vda1',
  },
  bisect: {
    'Which of these patches breaks the boot': 'moby-patch bisect -i initrd.gz -p ./motd -p ./nfs -p ./ssh',
    'Which step of one, with the console of that boot':
      'moby-patch bisect -i initrd.gz -p ./nfs --steps --console bad.log',
  },
  matrix: {
    'Two patches in two images, alone and together':
      'moby-patch matrix -i old.gz -i new.gz -p ./nfs -p ./ssh -p ./nfs+./ssh',
    'Images with kernels elsewhere':
      'moby-patch matrix -i a.gz -i b.gz --kernels vmlinuz-a --kernels vmlinuz-b -p ./nfs',
  },
  explain: {
    'Where a file of an image comes from': 'moby-patch explain patched.gz etc/fstab',
  },
  status: {
    'Where an installed image stands': 'moby-patch status -i /boot/initrd.img -p ./motd',
  },
  apply: {
    'Patch an installed image in its place': 'moby-patch apply -i /boot/initrd.img -p ./motd',
    'Say what would be done': 'moby-patch apply -i docker-for-mac -p nfs --dry-run',
  },
  restore: {
    'Put the stock image back': 'moby-patch restore -i /boot/initrd.img',
  },
  reapply: {
    'After an upgrade': 'moby-patch reapply -i /boot/initrd.img',
  },
  watch: {
    'Patch again whenever an upgrade replaces it': 'moby-patch watch -i /boot/initrd.img -p ./motd',
    'Let systemd or launchd do that': 'moby-patch watch -i /boot/initrd.img -p ./motd --install',
  },
  host: {
    'What this machine needs to share a folder': 'moby-patch host nfs --share /srv/data',
  },
  'host nfs': {
    'Show the lines': 'moby-patch host nfs --share /srv/data',
    'Write them, as root': 'moby-patch host nfs --share /srv/data --apply',
  },
  patches: {
    'What there is to apply': 'moby-patch patches',
    'For a program': 'moby-patch patches --json',
  },
  'patches show': {
    'What a patch takes and does': 'moby-patch patches show nfs',
    'And what it would do to an image': 'moby-patch patches show nfs -i initrd.gz -s share=/srv',
  },
  check: {
    'All patches and the configuration of this folder': 'moby-patch check',
    'One patch': 'moby-patch check ./motd',
  },
  lock: {
    'Record the last build; build --locked then gives the same bytes': 'moby-patch lock',
    'Keep the packages beside it, for build --locked --offline': 'moby-patch lock --vendor vendor',
  },
  push: {
    'Store the last build': 'moby-patch push oci://registry.example.com/images/vm:1',
    'With the kernel that it was booted with':
      'moby-patch push oci://registry.example.com/images/vm:1 patched.gz -f vmlinuz',
  },
  fleet: {
    'Build all targets on a Swarm':
      'moby-patch fleet build --on swarm --registry oci://registry.example.com/fleet --image registry.example.com/moby-patch:1',
  },
  'fleet build': {
    'On this machine, with results in the registry':
      'moby-patch fleet build --registry oci://registry.example.com/fleet',
    'Manifests for Kubernetes':
      'moby-patch fleet build --on kubernetes --registry oci://registry.example.com/fleet --image registry.example.com/moby-patch:1',
  },
  'fleet run': {
    'Job 3 of a plan': 'moby-patch fleet run oci://registry.example.com/fleet:plan-0123456789abcdef --job 3',
  },
  'fleet status': {
    'What is done': 'moby-patch fleet status --registry oci://registry.example.com/fleet',
  },
  'fleet logs': {
    'What the tasks printed': 'moby-patch fleet logs --registry oci://registry.example.com/fleet',
  },
  'fleet cancel': {
    'Stop it': 'moby-patch fleet cancel --registry oci://registry.example.com/fleet',
  },
  pull: {
    'Get it on another machine': 'moby-patch pull oci://registry.example.com/images/vm:1 -o initrd.gz',
    'Its kernel': "moby-patch pull 'oci://registry.example.com/images/vm:1#vmlinuz'",
  },
  prune: {
    'What a killed run left': 'moby-patch prune',
  },
  doctor: {
    'What this machine has': 'moby-patch doctor',
  },
  init: {
    'A project for the image in this folder': 'moby-patch init',
    'With a patch of the program': 'moby-patch init -i initrd.gz -p nfs -s share=/srv',
  },
  completion: {
    'For bash, in this shell': 'eval "$(moby-patch completion bash)"',
  },
  help: {
    'The help of build': 'moby-patch help build',
  },
};

/** For the end of a help. */
export function showExamples(name: string): string {
  const lines = Object.entries(examples[name] ?? {}).flatMap(([what, command]) => [
    `  # ${what}`,
    `  ${command}`,
  ]);
  return lines.length === 0 ? '' : `\nExamples:\n${lines.join('\n')}`;
}
