// A Vendure shop with all its data in memory, for tests. Environment: PORT, and PLAIN=1 for one without the olhubd
// plugin, which has only the two custom fields that a push cannot do without.

const path = require('node:path');
const { Module } = require('node:module');

process.env.VENDURE_DISABLE_TELEMETRY = 'true';
// The plugin lies outside this folder, and a file finds packages from where it lies.
process.env.NODE_PATH = path.join(__dirname, 'node_modules');
Module._initPaths();

const {
    bootstrap, DefaultJobQueuePlugin, DefaultLogger, dummyPaymentHandler, JobQueueService, LogLevel,
} = require('@vendure/core');

const plain = process.env.PLAIN === '1';
const { OlhubdPlugin } = require('../../../plugins/olhubd_vendure/server/olhubd.js');

bootstrap({
    logger: new DefaultLogger({ level: LogLevel.Warn, timestamp: false }),
    apiOptions: {
        hostname: '127.0.0.1',
        port: Number(process.env.PORT),
        adminApiPath: 'admin-api',
        shopApiPath: 'shop-api',
    },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
        cookieOptions: { secret: 'test' },
    },
    dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    customFields: {
        Order: plain ? [
            { name: 'externalId', type: 'string', nullable: true, unique: true },
            { name: 'imported', type: 'boolean', nullable: true },
        ] : [],
        ProductVariant: [{ name: 'ean', type: 'string', nullable: true }],
    },
    plugins: [DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }), ...(plain ? [] : [OlhubdPlugin])],
})
    .then(app => app.get(JobQueueService).start())
    .catch(error => {
        console.error(error);
        process.exit(1);
    });
