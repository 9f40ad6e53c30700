import '../commands/compile-cache.ts';

const [{ kubeApiserver }, { runAsProcess }] = await Promise.all([
  import('../kube-apiserver/command.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(kubeApiserver);
