import '../commands/compile-cache.ts';

const [{ kubeProxy }, { runAsProcess }] = await Promise.all([
  import('../kube-proxy/command.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(kubeProxy);
