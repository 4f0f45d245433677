// For tests alone, straight into the database: many placed orders at once, each of a given moment; older orders; and
// what the shop has put aside for each order, which its own API does not tell.

const {
    Allocation, Allow, ChannelService, Ctx, Order, Permission, PluginCommonModule, TransactionalConnection,
    VendurePlugin,
} = require('@vendure/core');
const { Args, Mutation, Query, Resolver } = require('@nestjs/graphql');
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
    async allocatedFor(ctx, { sku }) {
        const found = await this.connection.getRepository(ctx, Allocation).find({
            where: { productVariant: { sku } }, relations: { orderLine: { order: true } },
        });
        return found.map(one => ({ order: one.orderLine.order.id, quantity: one.quantity }));
    }
}
Reflect.defineMetadata('design:paramtypes', [TransactionalConnection, ChannelService], BulkResolver);
Resolver()(BulkResolver);
for (const [name, kind] of Object.entries({
    placeOrders: Mutation, ageOrders: Mutation, removeOrders: Mutation, allocatedFor: Query,
})) {
    const descriptor = Object.getOwnPropertyDescriptor(BulkResolver.prototype, name);
    Ctx()(BulkResolver.prototype, name, 0);
    Args()(BulkResolver.prototype, name, 1);
    for (const decorate of [Allow(Permission.SuperAdmin), kind()]) decorate(BulkResolver.prototype, name, descriptor);
}

const schema = gql`
    type AllocatedPieces {
        order: ID!
        quantity: Int!
    }
    extend type Query {
        allocatedFor(sku: String!): [AllocatedPieces!]!
    }
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
