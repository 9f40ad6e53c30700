export * from './pflag/flags.ts';
