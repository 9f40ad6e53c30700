/** The tables of services, one for each family. */
import type { Family } from '../addresses.ts';
import { protocolOf } from './base.ts';
import { TABLE } from './names.ts';
import { removal, Table } from './table.ts';

const nameOf = (family: Family) => `${protocolOf(family)} ${TABLE}`;

export const serviceTable = (family: Family): Table => new Table(nameOf(family), 'rules for kube-proxy');

/** A transaction that takes a family's table away, if it is there. */
export const serviceTableRemoval = (family: Family): string => removal(nameOf(family));
