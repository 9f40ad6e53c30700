/** Keelson's own version. */
export const keelsonVersion = '0.1.0';
