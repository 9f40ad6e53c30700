import { expect, it } from 'vitest';
import { toVersion3 } from './convert.ts';
import type { Spec2 } from './merge.ts';
import { textOf } from './testing.ts';

const NONE: Spec2 = { info: {}, securityDefinitions: {}, paths: {}, definitions: {}, parameters: {} };

/** The document as it is served. */
const converted = (spec: Partial<Spec2>) => JSON.parse(textOf(toVersion3({ ...NONE, ...spec })));

it('says what the server is, and how one proves oneself', () => {
  const info = { title: 'Old', version: 'v1' };
  const securityDefinitions = { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } };
  expect(converted({ info, securityDefinitions })).toEqual({
    openapi: '3.0.0',
    info,
    paths: {},
    components: { schemas: {}, parameters: {}, securitySchemes: securityDefinitions },
  });
});

it('a body is no parameter, and what is sent is told for each media type', () => {
  const thing = { $ref: '#/definitions/g.v1.Thing' };
  const shared = { $ref: '#/parameters/pretty' };
  const put = {
    operationId: 'replaceThing',
    consumes: ['*/*'],
    produces: ['application/json', 'application/yaml'],
    schemes: ['https'],
    parameters: [
      { name: 'body', in: 'body', required: true, schema: thing },
      { name: 'dryRun', in: 'query', type: 'string', uniqueItems: true, pattern: 'All' },
      shared,
    ],
    responses: { 200: { description: 'OK', schema: thing }, 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': 'put',
  };
  const parameters = { pretty: { name: 'pretty', in: 'query', type: 'string', description: 'd' } };
  const made = { schema: { $ref: '#/components/schemas/g.v1.Thing' } };
  const document = converted({ paths: { '/apis/g/v1/things': { put, parameters: [shared] } }, parameters });
  expect(document.paths['/apis/g/v1/things']).toEqual({
    put: {
      operationId: 'replaceThing',
      parameters: [
        { name: 'dryRun', in: 'query', schema: { type: 'string', uniqueItems: true } },
        { $ref: '#/components/parameters/pretty' },
      ],
      requestBody: { content: { '*/*': made } },
      responses: {
        200: { description: 'OK', content: { 'application/json': made, 'application/yaml': made } },
        401: { description: 'Unauthorized' },
      },
      'x-kubernetes-action': 'put',
    },
    parameters: [{ $ref: '#/components/parameters/pretty' }],
  });
  expect(document.components.parameters).toEqual({
    pretty: { name: 'pretty', in: 'query', description: 'd', schema: { type: 'string' } },
  });
});

it.each<[string, object, object]>([
  ['alone', { $ref: '#/definitions/A' }, { $ref: '#/components/schemas/A' }],
  [
    'with something beside it',
    { $ref: '#/definitions/A', description: 'd', default: {} },
    { description: 'd', default: {}, allOf: [{ $ref: '#/components/schemas/A' }] },
  ],
  [
    'at any depth',
    { properties: { $ref: { type: 'string' }, a: { items: { $ref: '#/definitions/A' } } }, additionalProperties: true },
    {
      properties: { $ref: { type: 'string' }, a: { items: { $ref: '#/components/schemas/A' } } },
      additionalProperties: true,
    },
  ],
  ['to somewhere else', { $ref: 'other.json#/A' }, { $ref: 'other.json#/A' }],
])('a reference %s', (_, schema, expected) => {
  expect(converted({ definitions: { X: schema as never } }).components.schemas.X).toEqual(expected);
});
