// For tests alone, straight into the database: many placed orders at once, each of a given moment; and older orders.

const {
    Allow, ChannelService, Ctx, Order, Permission, PluginCommonModule, TransactionalConnection, VendurePlugin,
} = require('@vendure/core');
const { Args, Mutation, Resolver } = require('@nestjs/graphql');
const gql = require('graphql-tag');

class BulkResolver {
    constructor(connection, channels) {
        this.connection = connection;
        this.channels = channels;
    }
    async placeOrders(ctx, { moments }) {
        const channel = await this.channels.getDefaultChannel(ctx);
        const ids = [];
        for (const [number, moment] of moments.entries()) {
            const at = new Date(moment);
            const order = await this.connection.getRepository(ctx, Order).save(new Order({
                code: `BULK-${at.getTime()}-${number}`, type: 'Regular', state: 'PaymentSettled', active: false,
                couponCodes: [], lines: [], surcharges: [], modifications: [], shippingAddress: {}, billingAddress: {},
                currencyCode: channel.defaultCurrencyCode, subTotal: 0, subTotalWithTax: 0, channels: [channel],
                createdAt: at, updatedAt: at, orderPlacedAt: at,
            }));
            ids.push(order.id);
        }
        return ids;
    }
    async ageOrders(ctx, { ids, moment }) {
        const createdAt = new Date(moment);
        for (const id of ids) await this.connection.getRepository(ctx, Order).update(id, { createdAt });
        return ids.length;
    }
    async removeOrders(ctx, { ids }) {
        for (const id of ids) await this.connection.getRepository(ctx, Order).delete(id);
        return ids.length;
    }
}
Reflect.defineMetadata('design:paramtypes', [TransactionalConnection, ChannelService], BulkResolver);
Resolver()(BulkResolver);
for (const name of ['placeOrders', 'ageOrders', 'removeOrders']) {
    const descriptor = Object.getOwnPropertyDescriptor(BulkResolver.prototype, name);
    Ctx()(BulkResolver.prototype, name, 0);
    Args()(BulkResolver.prototype, name, 1);
    for (const decorate of [Allow(Permission.SuperAdmin), Mutation()]) decorate(BulkResolver.prototype, name, descriptor);
}

const schema = gql`
    extend type Mutation {
        placeOrders(moments: [DateTime!]!): [ID!]!
        ageOrders(ids: [ID!]!, moment: DateTime!): Int!
        removeOrders(ids: [ID!]!): Int!
    }
`;

class BulkPlugin {}
VendurePlugin({
    imports: [PluginCommonModule],
    compatibility: '^3.0.0',
    adminApiExtensions: { schema, resolvers: [BulkResolver] },
})(BulkPlugin);

module.exports = { BulkPlugin };
