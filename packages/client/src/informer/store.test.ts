import type { TypedObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { Store, splitKey, storeKey } from './store.ts';

const object = (name: string, labels: Record<string, string>, namespace = 'ns'): TypedObject => ({
  metadata: { name, namespace, labels },
});
const byApp = (o: TypedObject) => (o.metadata.labels?.app ? [o.metadata.labels.app] : []);
const names = (objects: TypedObject[]) => objects.map((o) => o.metadata.name);

describe('Store', () => {
  it('keeps indexes in step with what it holds', () => {
    const store = new Store<TypedObject>();
    store.put('ns/a', object('a', { app: 'x' }));
    store.addIndex('app', byApp);
    store.put('ns/b', object('b', { app: 'x' }));
    store.put('ns/c', object('c', {}));
    expect(names(store.byIndex('app', 'x'))).toEqual(['a', 'b']);
    store.put('ns/a', object('a', { app: 'y' }));
    expect(names(store.byIndex('app', 'x'))).toEqual(['b']);
    expect(names(store.byIndex('app', 'y'))).toEqual(['a']);
    store.remove('ns/b');
    expect(store.byIndex('app', 'x')).toEqual([]);
    expect([store.size, store.get('ns/b'), names(store.list())]).toEqual([2, undefined, ['a', 'c']]);
  });

  it('lists a namespace', () => {
    const store = new Store<TypedObject>();
    for (const o of [object('a', {}), object('b', {}, 'other'), object('c', {})]) store.put(storeKey(o), o);
    expect(names(store.list('ns'))).toEqual(['a', 'c']);
    expect(store.list('none')).toEqual([]);
  });

  it('takes the same index twice, but no other of its name', () => {
    const store = new Store<TypedObject>();
    store.addIndex('app', byApp);
    store.addIndex('app', byApp);
    expect(() => store.addIndex('app', () => [])).toThrow('another index app');
    expect(() => store.byIndex('none', '')).toThrow('no index none');
  });

  it('keys', () => {
    expect(storeKey({ metadata: { name: 'n' } })).toBe('n');
    expect(splitKey('n')).toEqual({ namespace: undefined, name: 'n' });
    expect(splitKey(storeKey(object('a', {})))).toEqual({ namespace: 'ns', name: 'a' });
  });
});
