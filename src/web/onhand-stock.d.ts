// The types of `onhand-stock.js`.

export type OnhandStatus = 'in_stock' | 'limited' | 'out_of_stock' | 'unknown';

/** What an element shows changed. `unknown`: nothing is stocked under its key. */
export declare class OnhandChangeEvent extends Event {
  readonly type: 'onhand-change';
  readonly sku: string;
  readonly location: string;
  readonly status: OnhandStatus;
  /** Only there when `limited`. */
  readonly available?: number;
  readonly version?: number;
  /** When the level came to be; RFC 3339. */
  readonly at?: string;
  /** Whether the connection has been lost for longer than `stale-seconds`. */
  readonly stale: boolean;
}

export declare class OnhandStock extends HTMLElement {}

declare global {
  interface HTMLElementTagNameMap {
    'onhand-stock': OnhandStock;
  }
  interface GlobalEventHandlersEventMap {
    'onhand-change': OnhandChangeEvent;
  }
}
