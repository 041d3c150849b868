import { isAbsolute, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatPosition } from '../../yaml/problems.js';
import { describeCode, type Finding } from './findings.js';

/** Lines for a terminal: the problem, and what to do. */
export function formatText(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ severity, code, at, text, try: hint }) => [
    `${formatPosition(at)}: ${severity === 'warning' ? 'warning: ' : ''}${text} [${code}]`,
    ...(hint === undefined ? [] : [`  try: ${hint}`]),
  ]);
}

/** Commands of GitHub Actions, which shows them beside the lines of a pull request. */
export function formatGithub(findings: readonly Finding[], folder: string): string[] {
  return findings.map(({ severity, code, at, text, try: hint }) => {
    const properties = [
      `file=${escapeProperty(locate(at.file, folder))}`,
      `line=${at.line}`,
      `col=${at.column}`,
      `title=${escapeProperty(code)}`,
    ];
    return `::${severity} ${properties.join(',')}::${escapeData(hint === undefined ? text : `${text}\ntry: ${hint}`)}`;
  });
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

export interface SarifOptions {
  /** Files below it are named from there. */
  readonly folder: string;
  /** Of this program. */
  readonly version: string;
}

/** SARIF 2.1.0, which code scanners and editors read. */
export function formatSarif(findings: readonly Finding[], { folder, version }: SarifOptions): unknown {
  const rules = [...new Set(findings.map(({ code }) => code))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'moby-patch',
            version,
            rules: rules.map((id) => ({ id, shortDescription: { text: describeCode(id) } })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map(({ severity, code, at, text, try: hint }) => ({
          ruleId: code,
          ruleIndex: rules.indexOf(code),
          level: severity,
          message: { text: hint === undefined ? text : `${text}. Try: ${hint}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: toUri(at.file, folder) },
                region: { startLine: at.line, startColumn: at.column },
              },
            },
          ],
        })),
      },
    ],
  };
}

/** From the folder, where the file is below it. */
function locate(file: string, folder: string): string {
  const path = isAbsolute(file) ? relative(folder, file) : file;
  return path.startsWith('..') ? file : path;
}

function toUri(file: string, folder: string): string {
  const path = locate(file, folder);
  return isAbsolute(path) ? pathToFileURL(path).href : path.split('/').map(encodeURIComponent).join('/');
}
