import type { Command } from 'commander';
import { collect } from './options.js';

export interface ReportFlags {
  readonly report?: readonly string[];
}

/** For every command that makes a Report; `withReports` writes it. */
export function addReportOption(command: Command): Command {
  return command.option(
    '--report <file>',
    'also write the report there: .md, .html, .json, .junit.xml or .txt (repeatable)',
    collect,
  );
}
