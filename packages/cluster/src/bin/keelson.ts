import '../commands/compile-cache.ts';

const [{ keelson }, { runAsProcess }] = await Promise.all([
  import('../commands/keelson.ts'),
  import('../commands/io.ts'),
]);
await runAsProcess(keelson);
