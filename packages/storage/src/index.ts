export * from './compactor.ts';
export * from './open.ts';
export * from './store.ts';
