import { keyValueStoreContract } from './key-value-store.ts';
import { lmdbHarness } from './key-value-store-lmdb.ts';
import { simulatedHarness } from './key-value-store-simulated.ts';

keyValueStoreContract('LmdbStore', lmdbHarness);
keyValueStoreContract('SimulatedStore', simulatedHarness);
