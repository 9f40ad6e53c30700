import type { Event } from '@keelson/api/generated/types/core/v1';
import { table } from '../../core/event/columns.ts';
import type { KindRegistration } from '../../strategy.ts';
import { conversion } from './conversion.ts';
import { strictEventStrategy } from './strategy.ts';

/** From the names of events.k8s.io to those of core, by which events are selected. */
const FIELD_LABELS = {
  reason: 'reason',
  'regarding.kind': 'involvedObject.kind',
  'regarding.namespace': 'involvedObject.namespace',
  'regarding.name': 'involvedObject.name',
  'regarding.uid': 'involvedObject.uid',
  'regarding.apiVersion': 'involvedObject.apiVersion',
  'regarding.resourceVersion': 'involvedObject.resourceVersion',
  'regarding.fieldPath': 'involvedObject.fieldPath',
  reportingController: 'reportingComponent',
  type: 'type',
  'metadata.namespace': 'metadata.namespace',
  'metadata.name': 'metadata.name',
};

/** @param ttlSeconds how long events are kept (kube-apiserver's --event-ttl) */
export function makeEventsRegistration(ttlSeconds: number): KindRegistration<Event> {
  return {
    strategy: strictEventStrategy(ttlSeconds),
    table,
    fieldLabels: { supported: Object.keys(FIELD_LABELS), aliases: FIELD_LABELS },
    isUncached: true,
    storedAs: { group: '', version: 'v1' },
    conversions: { v1: conversion },
  };
}
