/** The shape of one language: every leaf a text. English must have exactly the keys of Chinese. */
export type TextsOf<T> = { [K in keyof T]: T[K] extends string ? string : TextsOf<T[K]> };
