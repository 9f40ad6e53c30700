import '../commands/compile-cache.ts';

const [{ dns }, { runAsProcess }] = await Promise.all([import('../dns/command.ts'), import('../commands/io.ts')]);
await runAsProcess(dns);
