export * from '@keelson/api/resources/node-selector';
