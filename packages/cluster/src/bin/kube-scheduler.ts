import '../commands/compile-cache.ts';

const [{ kubeScheduler }, { runAsProcess }] = await Promise.all([
  import('../kube-scheduler/command.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(kubeScheduler);
