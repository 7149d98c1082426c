// The shapes of requests: which fields there are, and their JSON types. What values they may take is the farm's to say.

import { type Static, Type } from 'typebox';

const exact = { additionalProperties: false } as const;

/** A string, or an integer that is kept as one; farm/identifier.ts says which. */
const Id = Type.Unsafe<string | number>({ type: ['string', 'number'] });
const Text = Type.String();
const Grams = Type.Number();

export const PrinterBody = Type.Object({ id: Type.Optional(Id), company: Text, model: Text }, exact);
export type PrinterBody = Static<typeof PrinterBody>;

export const FilamentBody = Type.Object(
  {
    id: Type.Optional(Id),
    type: Text,
    color: Text,
    total_weight_in_grams: Grams,
    remaining_weight_in_grams: Type.Optional(Grams),
  },
  exact,
);
export type FilamentBody = Static<typeof FilamentBody>;

export const PrintJobBody = Type.Object(
  {
    id: Type.Optional(Id),
    printer_id: Id,
    filament_id: Id,
    filepath: Text,
    print_weight_in_grams: Grams,
    status: Type.Optional(Text),
  },
  exact,
);
export type PrintJobBody = Static<typeof PrintJobBody>;

export const JoinBody = Type.Object({ node_id: Text, addr: Text, http_addr: Type.Optional(Text) }, exact);
export type JoinBody = Static<typeof JoinBody>;

const page = { limit: Type.Optional(Text), after: Type.Optional(Text), consistency: Type.Optional(Text) };

export const ListQueryString = Type.Object(page, exact);
export type ListQueryString = Static<typeof ListQueryString>;

export const PrintJobListQueryString = Type.Object(
  {
    ...page,
    status: Type.Optional(Text),
    printer_id: Type.Optional(Text),
    filament_id: Type.Optional(Text),
  },
  exact,
);
export type PrintJobListQueryString = Static<typeof PrintJobListQueryString>;

export const GetQueryString = Type.Object({ consistency: Type.Optional(Text) }, exact);
export type GetQueryString = Static<typeof GetQueryString>;

export const StatusChangeQueryString = Type.Object({ status: Text }, exact);
export type StatusChangeQueryString = Static<typeof StatusChangeQueryString>;

export const ServerQueryString = Type.Object({ id: Text }, exact);
export type ServerQueryString = Static<typeof ServerQueryString>;

export const NoQueryString = Type.Object({}, exact);
