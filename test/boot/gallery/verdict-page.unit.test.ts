import test from 'ava';
import { renderVerdicts } from './verdict-page.js';

test('the page of verdicts has the refused images by their stages, and what to do once for each stage', (t) => {
  const hint = '; see moby-patch ls -l IMAGE init; check its mode';
  const page = renderVerdicts(
    new Map([
      ['a good one', { verdict: 'passed', reason: '' }],
      [
        'a | b',
        { verdict: 'refused', endedAt: 'init', reason: `cannot be run ("[ 6.39] Kernel panic")${hint}` },
      ],
      ['no /init', { verdict: 'refused', endedAt: 'init', reason: `cannot be run${hint}` }],
      ['a late one', { verdict: 'boot-too-slow', reason: 'too slow to tell' }],
      ['a silent one', { verdict: 'refused', endedAt: 'port 80', reason: 'port 80: no answer' }],
    ]),
  );
  t.deepEqual(
    page.split('\n').filter((line) => /^(#|\||-)/.test(line) && !line.startsWith('|---')),
    [
      '# What a boot says of 5 images',
      '## Refused at the first program',
      '| The image | Reason |',
      '| a \\| b | cannot be run ("Kernel panic") |',
      '| no /init | cannot be run |',
      '- see moby-patch ls -l IMAGE init; check its mode',
      '## Refused at an expectation',
      '| The image | Ended at | Reason |',
      '| a silent one | port 80 | port 80: no answer |',
      '## No verdict',
      '| The image | Error | Reason |',
      '| a late one | `boot-too-slow` | too slow to tell |',
      '## Passed',
      '- a good one',
    ],
  );
});
