// The server's side of the olhubd connector: a Vendure plugin for the shop's own configuration.
//
//   const { OlhubdPlugin } = require('./olhubd');
//   plugins: [..., OlhubdPlugin]
//
// Vendure's admin API prices an order from the catalogue and records a payment only as received. A marketplace order
// has its own prices, and cash on delivery is not received yet. This plugin adds what is missing: custom fields for
// the marketplace's facts, prices and delivery costs that follow them, and a payment that is promised.
//
// No decorators, so that it runs as it is from JavaScript and from TypeScript projects alike.

const {
    Allow, Ctx, ForbiddenError, isGraphQlErrorResult, LanguageCode, OrderService, PaymentMethodHandler, Permission,
    PluginCommonModule, ShippingCalculator, ShippingEligibilityChecker, Transaction, UserInputError, VendurePlugin,
} = require('@vendure/core');
const { Args, Mutation, Resolver } = require('@nestjs/graphql');
const gql = require('graphql-tag');

const say = value => [{ languageCode: LanguageCode.en, value }];
const hidden = { nullable: true, public: false };

const orderFields = [
    // Unique: the database itself refuses a second order with the same mark.
    { name: 'externalId', type: 'string', unique: true, ...hidden, label: say('Marketplace order (olhubd)') },
    { name: 'imported', type: 'boolean', ...hidden, label: say('Completely imported') },
    { name: 'marketplaceShipping', type: 'int', ...hidden, label: say('Delivery cost, gross, minor units') },
    { name: 'marketplace', type: 'string', ...hidden, label: say('Marketplace') },
    { name: 'marketplaceLogin', type: 'string', ...hidden, label: say('Buyer login') },
    { name: 'marketplaceDelivery', type: 'text', ...hidden, label: say('Delivery and pick-up point') },
    { name: 'marketplaceNote', type: 'text', ...hidden, label: say('Note of the buyer') },
    { name: 'marketplaceInvoice', type: 'text', ...hidden, label: say('Invoice to, tax numbers') },
];

const lineFields = [
    { name: 'marketplaceLineId', type: 'string', ...hidden, label: say('Marketplace line') },
    { name: 'marketplacePrice', type: 'int', ...hidden, label: say('Gross price of one, minor units') },
    { name: 'marketplaceTitle', type: 'string', length: 1000, ...hidden, label: say('Title at the marketplace') },
    { name: 'marketplaceOffer', type: 'string', ...hidden, label: say('Offer at the marketplace') },
];

/** The marketplace's price where the line has one, else what `otherwise` says. */
class MarketplacePrice {
    constructor(otherwise) {
        this.otherwise = otherwise;
    }
    async init(injector) {
        if (this.otherwise.init) await this.otherwise.init(injector);
    }
    async destroy() {
        if (this.otherwise.destroy) await this.otherwise.destroy();
    }
    calculateUnitPrice(ctx, variant, fields, order, quantity) {
        if (fields && fields.marketplacePrice != null) {
            return { price: fields.marketplacePrice, priceIncludesTax: true };
        }
        return this.otherwise.calculateUnitPrice(ctx, variant, fields, order, quantity);
    }
}

const shippingCalculator = new ShippingCalculator({
    code: 'olhubd-shipping',
    description: say('What the buyer paid the marketplace for delivery'),
    args: { taxRate: { type: 'int', defaultValue: 23, label: say('Tax rate, per cent') } },
    calculate: (ctx, order, args) => ({
        price: order.customFields.marketplaceShipping || 0,
        priceIncludesTax: true,
        taxRate: args.taxRate,
    }),
});

/** Keeps a delivery method away from the shop's own customers. */
const shippingChecker = new ShippingEligibilityChecker({
    code: 'olhubd-only',
    description: say('Only orders from marketplaces'),
    args: {},
    check: (ctx, order) => Boolean(order.customFields.externalId),
});

/** Authorized at once, settled when the money is there; takes no money by itself. Not for shop customers. */
const paymentHandler = new PaymentMethodHandler({
    code: 'olhubd-payment',
    description: say('Paid at the marketplace, or on delivery'),
    args: {},
    createPayment: (ctx, order, amount, args, metadata) => {
        if (ctx.apiType !== 'admin') throw new ForbiddenError();
        return { amount, state: 'Authorized', transactionId: metadata.transactionId, metadata };
    },
    settlePayment: () => ({ success: true }),
    cancelPayment: () => ({ success: true }),
});

/** Cash on delivery is sent before it is paid. */
const cashProcess = {
    transitions: {
        PaymentAuthorized: {
            to: ['PartiallyShipped', 'Shipped', 'PartiallyDelivered', 'Delivered'],
            mergeStrategy: 'merge',
        },
    },
};

class PaymentResolver {
    constructor(orders) {
        this.orders = orders;
    }
    async addMarketplacePayment(ctx, args) {
        const { orderId, method, transactionId } = args.input;
        const result = await this.orders.addPaymentToOrder(ctx, orderId, { method, metadata: { transactionId } });
        if (isGraphQlErrorResult(result)) throw new UserInputError(result.message);
        return result;
    }
}
Reflect.defineMetadata('design:paramtypes', [OrderService], PaymentResolver);
Resolver()(PaymentResolver);
{
    const method = 'addMarketplacePayment';
    const descriptor = Object.getOwnPropertyDescriptor(PaymentResolver.prototype, method);
    Ctx()(PaymentResolver.prototype, method, 0);
    Args()(PaymentResolver.prototype, method, 1);
    for (const decorate of [Transaction(), Allow(Permission.UpdateOrder), Mutation()]) {
        decorate(PaymentResolver.prototype, method, descriptor);
    }
}

const schema = gql`
    input MarketplacePaymentInput {
        orderId: ID!
        method: String!
        transactionId: String
    }
    extend type Mutation {
        "Promise the outstanding amount of an order: it becomes PaymentAuthorized and its stock is allocated."
        addMarketplacePayment(input: MarketplacePaymentInput!): Order!
    }
`;

class OlhubdPlugin {}

VendurePlugin({
    imports: [PluginCommonModule],
    compatibility: '^3.0.0',
    adminApiExtensions: { schema, resolvers: [PaymentResolver] },
    configuration: config => {
        config.customFields.Order.push(...orderFields);
        config.customFields.OrderLine.push(...lineFields);
        const { orderOptions, paymentOptions, shippingOptions } = config;
        orderOptions.orderItemPriceCalculationStrategy =
            new MarketplacePrice(orderOptions.orderItemPriceCalculationStrategy);
        orderOptions.process.push(cashProcess);
        paymentOptions.paymentMethodHandlers.push(paymentHandler);
        shippingOptions.shippingCalculators.push(shippingCalculator);
        shippingOptions.shippingEligibilityCheckers.push(shippingChecker);
        return config;
    },
})(OlhubdPlugin);

module.exports = { OlhubdPlugin };
