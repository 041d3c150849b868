// The first import of cli.ts, so that it runs before modules that an older Node does not have.
import { describeOldNode } from './node-version.js';

const problem = describeOldNode(process.versions.node);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exit(5);
}
