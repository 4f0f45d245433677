// A Vendure shop for tests. Environment:
//   PORT
//   PLAIN=1     without the olhubd plugin: only the two custom fields that a push cannot do without
//   IDS=uuid    identifiers that say nothing of the order of things
//   DB=postgres in the database that PGHOST, PGPORT, PGUSER and PGDATABASE name; else all data are in memory

const path = require('node:path');
const { Module } = require('node:module');

process.env.VENDURE_DISABLE_TELEMETRY = 'true';
// The plugin lies outside this folder, and a file finds packages from where it lies.
process.env.NODE_PATH = path.join(__dirname, 'node_modules');
Module._initPaths();

const {
    AutoIncrementIdStrategy, bootstrap, DefaultJobQueuePlugin, DefaultLogger, dummyPaymentHandler, JobQueueService,
    LogLevel, UuidIdStrategy,
} = require('@vendure/core');

const { IDS, DB, PLAIN, PORT } = process.env;
const plain = PLAIN === '1';
const { OlhubdPlugin } = require('../../../plugins/olhubd_vendure/server/olhubd.js');
const { BulkPlugin } = require('./bulk.js');

const memory = { type: 'sqljs', autoSave: false };
const postgres = () => ({
    type: 'postgres',
    host: process.env.PGHOST,
    port: Number(process.env.PGPORT),
    username: process.env.PGUSER,
    database: process.env.PGDATABASE,
});

bootstrap({
    logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: false }),
    apiOptions: {
        hostname: '127.0.0.1',
        port: Number(PORT),
        adminApiPath: 'admin-api',
        shopApiPath: 'shop-api',
    },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
        cookieOptions: { secret: 'test' },
    },
    entityOptions: { entityIdStrategy: IDS === 'uuid' ? new UuidIdStrategy() : new AutoIncrementIdStrategy() },
    dbConnectionOptions: { ...(DB === 'postgres' ? postgres() : memory), synchronize: true },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    customFields: {
        Order: plain ? [
            { name: 'externalId', type: 'string', nullable: true, unique: true },
            { name: 'imported', type: 'boolean', nullable: true },
        ] : [],
        ProductVariant: [{ name: 'ean', type: 'string', nullable: true }],
    },
    plugins: [
        DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }), BulkPlugin, ...(plain ? [] : [OlhubdPlugin]),
    ],
})
    .then(app => app.get(JobQueueService).start())
    .catch(error => {
        console.error(error);
        process.exit(1);
    });
