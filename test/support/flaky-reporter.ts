import type { Reporter, TestModule } from 'vitest/node';

/** Says at the end of a run which tests have passed only when they were run again, and why they had failed. */
export default class FlakyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests('passed')) {
        if (!test.diagnostic()?.flaky) continue;
        const [error] = test.result().errors ?? [];
        console.warn(`flaky: ${module.relativeModuleId} > ${test.fullName}\n${error?.stack ?? error?.message ?? ''}`);
      }
    }
  }
}
