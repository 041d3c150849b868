import { z } from 'zod';
import type { StepOutcome } from '../../../model/patch/patch.js';
import type { Workspace } from '../../../model/patch/workspace.js';
import { findAccount } from '../../system/accounts/owner.js';
import { explainSchedule, usualSchedules } from '../../system/cron-schedule.js';
import { findInit } from '../../system/init/find-init.js';
import { createStepError, type StepContext } from '../../system/step-context.js';
import { combine, editFile, findLineBreak, joinLines, splitLines } from '../../system/text-file.js';
import { putIfDifferent } from '../../system/workspace-files.js';
import { defineStep } from '../definition.js';
import { accountName, singleLine } from '../schemas.js';
import { quoteText } from '../short-text.js';

const schema = () =>
  z
    .strictObject({
      // cron of Debian ignores a file with a dot in its name.
      name: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected a name of letters, digits, _ and -' })
        .describe('The name of the file, or of the line.'),
      schedule: z
        .string()
        .superRefine((text, context) => {
          const found = explainSchedule(text);
          if (found !== undefined) context.addIssue({ code: 'custom', message: found });
        })
        .describe('Minute, hour, day, month and weekday, such as "*/5 * * * *", or a name such as @daily.'),
      command: singleLine.min(1, { error: 'expected a command' }).describe('A command line for the shell.'),
      user: accountName.default('root').describe('A user of the image.'),
    })
    .describe(
      'Runs a command at set times: a file of etc/cron.d where the image has that folder, else a line of the crontab that busybox crond reads.',
    );

type Job = z.output<ReturnType<typeof schema>>;

export const cronStep = defineStep({
  kind: 'cron',
  schema,
  describe: ({ name, schedule, command }) => `cron ${name}: ${quoteText(command)} at ${schedule}`,
  needs: () => [],
  reads: ({ name, user }) => ['etc/passwd', `etc/cron.d/${name}`, `etc/crontabs/${user}`],
  writes: ({ name, ...job }) => [{ path: `cron job ${name}`, mark: JSON.stringify(job) }],
  async apply(job, context, workspace) {
    await findAccount('user', job.user, context, workspace);
    const hasFolder = (await workspace.follow('etc/cron.d'))?.type === 'directory';
    const outcome = hasFolder ? await putFile(job, workspace) : await putLine(job, context, workspace);
    const isRunning = (await (await findInit(workspace))?.isStarted(services, workspace)) ?? false;
    return combine([outcome], isRunning ? [] : [nothingRuns]);
  },
});

const services = ['cron', 'crond', 'cronie', 'dcron', 'fcron', 'anacron'];
const nothingRuns = 'found no cron service that the boot starts: a "service" step enables one';

/** cron reads an unescaped % as a line break (crontab(5)). */
function putFile({ name, schedule, command, user }: Job, workspace: Workspace): Promise<StepOutcome> {
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const line = `${schedule}\t${user}\t${command.replaceAll('%', '\\%')}`;
  const content = new TextEncoder().encode(`${path}\n${line}\n`);
  return putIfDifferent(workspace, { path: `etc/cron.d/${name}`, type: 'file', content });
}

/** The line behind a comment with its name. */
async function putLine(job: Job, context: StepContext, workspace: Workspace): Promise<StepOutcome> {
  const { name, schedule, command, user } = job;
  const times = usualSchedules.get(schedule) ?? schedule;
  if (times.startsWith('@')) {
    throw createStepError(
      context,
      'cron-unfit',
      `cron ${name}: found ${schedule}, which busybox crond does not know, wanted five fields such as "0 4 * * *"`,
    );
  }
  const isSpool = (await workspace.follow('etc/crontabs'))?.type !== 'directory';
  const spool = (await workspace.follow('var/spool/cron/crontabs'))?.type === 'directory';
  const path = `${isSpool && spool ? 'var/spool/cron/crontabs' : 'etc/crontabs'}/${user}`;
  const mark = `# moby-patch: ${name}`;
  const edit = (text: string) => {
    const lines = splitLines(text);
    const end = findLineBreak(lines);
    const job = { text: `${times} ${command}`, end };
    const at = lines.findIndex((line) => line.text === mark);
    if (at < 0) return joinLines([...lines, { text: mark, end }, job]);
    if (lines[at + 1]?.text === job.text) return text;
    return joinLines([...lines.slice(0, at + 1), job, ...lines.slice(at + 2)]);
  };
  return editFile(workspace, context, { path, edit, create: { mode: 0o600 } });
}
