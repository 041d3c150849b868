import test from 'ava';
import type { CommandContext } from '#src/commands/shared/command-context.js';
import { shortenPaths } from '#src/commands/shared/print.js';

const shorten = (folder: string, text: string) => shortenPaths({ folder } as CommandContext, text);

test('paths below the working folder are shortened, and nothing that only looks like one', (t) => {
  t.is(shorten('/home/me', '/home/me/a: no, /home/me/b/c'), 'a: no, b/c');
  t.is(shorten('/home/me', '/data/home/me/a and https://home/me/b'), '/data/home/me/a and https://home/me/b');
  t.is(shorten('/', 'curl http://h/v2/ > /x/y'), 'curl http://h/v2/ > /x/y');
});
