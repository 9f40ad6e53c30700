import type { Event } from '@keelson/api/generated/types/core/v1';
import { column, nameColumn, since, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<Event> = {
  columns: [
    column('Last Seen', 'string', 'core.v1.Event.lastTimestamp'),
    column('Type', 'string', 'core.v1.Event.type'),
    column('Reason', 'string', 'core.v1.Event.reason'),
    column('Object', 'string', 'core.v1.Event.involvedObject'),
    wideColumn('Subobject', 'string', 'core.v1.ObjectReference.fieldPath'),
    wideColumn('Source', 'string', 'core.v1.Event.source'),
    column('Message', 'string', 'core.v1.Event.message'),
    wideColumn('First Seen', 'string', 'core.v1.Event.firstTimestamp'),
    wideColumn('Count', 'string', 'core.v1.Event.count'),
    { ...nameColumn, priority: 1 },
  ],
  row(event) {
    const { involvedObject: about, series } = event;
    const kind = (about.kind ?? '').toLowerCase();
    const first = since(event.firstTimestamp ?? event.eventTime);
    const last = event.lastTimestamp == null ? first : since(event.lastTimestamp);
    return {
      cells: [
        series ? since(series.lastObservedTime) : last,
        event.type ?? '',
        event.reason ?? '',
        about.name ? `${kind}/${about.name}` : kind,
        about.fieldPath ?? '',
        source(event),
        (event.message ?? '').trim(),
        first,
        series ? (series.count ?? 0) : event.count || 1,
        event.metadata.name ?? '',
      ],
    };
  },
};

function source({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source.component || reportingComponent;
  const host = source.host || reportingInstance;
  return host ? `${component}, ${host}` : component;
}
