/** The types of a configuration. They read it, say what is wrong with it, and are its JSON schema. */

declare const of: unique symbol;

/** What a key of a configuration is. `T` is what it is read as, `Optional` whether it may be left out. */
export interface Type<T, Optional extends boolean = false> {
  readonly [of]: { value: T; optional: Optional };
  /** The same, which may be left out. */
  optional(): Type<T | undefined, true>;
  /** The same, with this value where it is left out. As it is written: a duration is a text such as `5m`. */
  default(value: T extends number ? number | string : T): Type<T, false>;
  /** The same, with what it means: authors of mappings read it. */
  describe(text: string): Type<T, Optional>;
}

/** The keys of an object, or of a configuration. */
export type Keys = Record<string, Type<any, boolean>>;

/** What a type is read as. */
export type Infer<C> = C extends Type<infer T, boolean> ? T : C extends Keys
  ? { [K in keyof C as C[K] extends Type<any, true> ? never : K]: Infer<C[K]> }
    & { [K in keyof C as C[K] extends Type<any, true> ? K : never]?: Infer<C[K]> }
  : never;

export interface Bounds {
  /** The least. */
  minimum?: number;
  /** The most. */
  maximum?: number;
  /** It must be larger than this. */
  above?: number;
  /** It must be smaller than this. */
  below?: number;
}

/** Any text. */
export function string(): Type<string>;
/** True or false. */
export function boolean(): Type<boolean>;
/** A number, within bounds. */
export function number(bounds?: Bounds): Type<number>;
/** A whole number, within bounds. */
export function integer(bounds?: Bounds): Type<number>;
/** One of these texts. */
export function oneOf<const T extends string>(...texts: T[]): Type<T>;
/** A list. */
export function array<T>(item: Type<T, boolean>): Type<T[]>;
/** An object with any keys, and values of one type. */
export function record<T>(item: Type<T, boolean>): Type<Record<string, T>>;
/** An object with these keys and no others. */
export function object<K extends Keys>(keys: K): Type<Infer<K>>;
/** The first of these types that a value fits. */
export function union<T extends Type<any, boolean>[]>(...types: T): Type<Infer<T[number]>>;
/** A duration as mappings have it (`1m30s`), which is read as milliseconds. */
export function duration(): Type<number>;

/** An object named in a configuration. */
export interface FixedObject {
  name: string;
  /** The namespace that the read is for, if left out. */
  namespace?: string | undefined;
}

/** Which object a series stands for: the label with its name, or the same object for all. */
export type ObjectSource = string | FixedObject;
/** Which object a series stands for. */
export function objectSource(): Type<ObjectSource>;

/**
 * What to do when several series meet one object: refuse (`fail`), add them, take the largest, the
 * smallest, the mean, leave the object out unless they are the same (`omit`), or take the first in
 * the order of their labels.
 */
export type Combine = 'fail' | 'sum' | 'max' | 'min' | 'average' | 'omit' | 'first';
/** What to do when several series meet one object. */
export function combine(): Type<Combine>;
