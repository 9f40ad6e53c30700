import '../commands/compile-cache.ts';

const [{ podNetwork }, { runAsProcess }] = await Promise.all([
  import('../pod-network/command.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(podNetwork);
