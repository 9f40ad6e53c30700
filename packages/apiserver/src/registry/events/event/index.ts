import type { Event } from '@keelson/api/generated/types/core/v1';
import { table } from '../../core/event/columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { conversion } from './conversion.ts';
import { strictEventStrategy } from './strategy.ts';

/** @param ttlSeconds how long events are kept (kube-apiserver's --event-ttl) */
export function makeEventsRegistration(ttlSeconds: number): KindRegistration<Event> {
  return {
    strategy: strictEventStrategy(ttlSeconds),
    table,
    storedAs: { group: '', version: 'v1' },
    conversions: { v1: conversion },
  };
}
