// Which test files belong to which lane is in their names:
//   NAME.unit.test.ts  quick and without programs: `npm run test:unit`, and `npm test` too
//   NAME.test.ts       `npm test`
//   NAME.soak.test.ts  too long for every change: `npm run test:soak`
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './install.mjs';

const lanes = {
  all: (name) => !name.endsWith('.soak.test.ts'),
  unit: (name) => name.endsWith('.unit.test.ts'),
  soak: (name) => name.endsWith('.soak.test.ts'),
};

/** The compiled test files of a lane. */
export function listTests(lane) {
  const names = readdirSync(join(root, 'test'), { recursive: true }).filter((name) =>
    name.endsWith('.test.ts'),
  );
  return names.filter(lanes[lane]).map((name) => join('build/test', name.replace(/\.ts$/, '.js')));
}
