import '../commands/compile-cache.ts';

const [{ kubelet }, { runAsProcess }] = await Promise.all([
  import('../kubelet/command.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(kubelet);
