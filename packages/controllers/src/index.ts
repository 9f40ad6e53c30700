export type { Controller, ControllerContext } from './controller.ts';
export { controllers } from './controllers.ts';
export { type ManagerOptions, startControllers } from './manager.ts';
export { type ControllerSettings, defaultSettings } from './settings.ts';
