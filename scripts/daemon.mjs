// The Docker daemon of the demo and the bench: the one that runs, or one of their own. The tests are compiled.

/** The environment of a running daemon, else of one started here; without one, the reason. The caller disposes of it. */
export async function openDaemon() {
  const { startDockerd, noDocker } = await import('../build/test/fixtures/dockerd.js');
  const { probeDocker } = await import('../dist/engine/docker/connect.js');
  const nothing = { environment: process.env, async [Symbol.asyncDispose]() {} };
  if ((await probeDocker(process.env)).ready) return nothing;
  if (noDocker !== undefined) return { ...nothing, missing: noDocker };
  try {
    return await startDockerd([], { network: true });
  } catch (error) {
    return { ...nothing, missing: `no Docker daemon starts: ${String(error.message).split('\n')[0]}` };
  }
}
