export * from '@keelson/api/clock';
