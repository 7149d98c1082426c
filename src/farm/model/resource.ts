// The kinds of resource. Each has a file with its type and its row in the replicated state: an array without
// field names, under a key of prefix and id, so a scan of the prefix is in order of ids (by their UTF-8
// bytes). Rows are not validated when read: the store verifies that they are as written. Types of rows are
// aliases, not interfaces, because only aliases are assignable to Json.

import type { Filament } from './filament.ts';
import type { PrintJob } from './print-job.ts';
import type { Printer } from './printer.ts';

export type Resource =
  | { readonly kind: 'printer'; readonly row: Printer }
  | { readonly kind: 'filament'; readonly row: Filament }
  | { readonly kind: 'print_job'; readonly row: PrintJob };

export type ResourceKind = Resource['kind'];
