import { spawn } from 'node:child_process';

/** Where commands run, and what is added to the environment of this process. */
export interface Place {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Returns the end of the output of a command. Error: the command, its exit code and the same output. */
export async function runShell(command: string, { folder, environment }: Place): Promise<string> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', command], {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece) => {
      output = (output + piece).slice(-4000);
    });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`${command}\nended with ${code}: ${output}`);
  return output;
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
