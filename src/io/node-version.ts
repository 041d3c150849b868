/** The oldest version that works, as in `engines` of package.json: [20, 19]. @internal */
export const oldestNode = [20, 19] as const;

/** What to print where Node is too old; undefined where it is not. Written for old versions, too. */
export function describeOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  const wanted = oldestNode.join('.');
  return [
    `moby-patch: found Node ${version}, needs Node >= ${wanted} [node-too-old]`,
    "  try: npx -y -p node@22 -c 'moby-patch --version'; or install one from https://nodejs.org/en/download",
  ].join('\n');
}
