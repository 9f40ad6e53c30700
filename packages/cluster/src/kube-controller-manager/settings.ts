import { type ControllerSettings, defaultSettings } from '@keelson/controllers/settings';
import type { Values } from './flags.ts';

/** What the flags mean to the controllers. */
export function settingsOf(_values: Values): ControllerSettings {
  return defaultSettings;
}
