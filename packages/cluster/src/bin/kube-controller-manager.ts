import '../commands/compile-cache.ts';

const [{ kubeControllerManager }, { runAsProcess }] = await Promise.all([
  import('../kube-controller-manager/command.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(kubeControllerManager);
