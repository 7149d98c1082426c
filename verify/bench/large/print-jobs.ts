// The printers, spools and print jobs of a large farm, by number. `load.lua` writes the same jobs.

export const PRINTERS = 1_000;
export const SPOOLS = 10_000;
const FILES = 500;

export function printerBody(number: number) {
  return { id: `printer-${padded(number, 4)}`, company: 'Prusa Research', model: 'MK4S' };
}

export function spoolBody(number: number) {
  const id = `spool-${padded(number, 5)}`;
  return { id, type: 'PETG', color: 'Jet Black', total_weight_in_grams: 1_000_000 };
}

export function jobId(number: number): string {
  return `job-${padded(number, 8)}`;
}

export function jobBody(number: number) {
  return {
    id: jobId(number),
    printer_id: printerBody(number % PRINTERS).id,
    filament_id: spoolBody((number * 7) % SPOOLS).id,
    filepath: `/models/part-${number % FILES}.gcode`,
    print_weight_in_grams: 1.5,
  };
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
