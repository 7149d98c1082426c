import path from 'node:path';

export const PROJECT_ROOT = path.dirname(path.dirname(import.meta.dirname));
